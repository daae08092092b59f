import { isDetected, type Service, type ServicePort } from '../../model/service.ts';
import { singleAddresses } from './domains.ts';
import type { HostReader } from './host-reader.ts';

interface ServiceView {
  readonly reader: HostReader;
  readonly service: Service;
}

/** Returns true if the kernel redirects connections to the listener. Otherwise, it opens a socket. */
export const isCaptured = ({ facts, egress }: HostReader): boolean =>
  facts.interception !== 'none' && !egress.place.bindsToPort;

/** Returns true if clients detect for each connection to a port whether it is HTTP. */
export const detectsHttp = ({ reader }: ServiceView, { protocol }: Pick<ServicePort, 'protocol'>): boolean =>
  isDetected(protocol) && reader.client.hasFilterChains;

/**
 * Returns true if the detected ports of a service have listeners of their own. They are called only for this service,
 * so that its routes apply whatever the host of a request is.
 */
export const hasOwnListeners = ({ reader, service }: ServiceView): boolean =>
  isCaptured(reader) && reader.egress.place.bind === '' && (service.headless || singleAddresses(service).length > 0);
