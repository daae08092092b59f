import { templateOf, type ZooKeeperConfig } from '../config.ts';
import { curator } from './curator.ts';
import { dubboApplications } from './dubbo-applications.ts';
import { dubboInterfaces } from './dubbo-interfaces.ts';
import { dubboRules } from './dubbo-rules.ts';
import type { Layout, LayoutContext } from './layout.ts';
import { motan } from './motan.ts';
import type { ProviderNaming } from './provider-entries.ts';

/** Returns the configured layouts. */
export function layoutsOf(settings: ZooKeeperConfig, context: LayoutContext): readonly Layout[] {
  const layouts: Layout[] = [];
  if (settings.dubbo !== undefined) {
    const { root, applicationRoot, hostname, applicationHostname, names, applicationNames, ports } = settings.dubbo;
    const naming: ProviderNaming = { naming: { template: templateOf('service', hostname), names }, ports };
    const applicationTemplate = templateOf('application', applicationHostname);
    layouts.push(
      dubboInterfaces({ root, ...naming }, context),
      dubboRules({ root }, context),
      dubboApplications({ root, applicationRoot, applicationTemplate, applicationNames, ...naming }, context),
    );
  }
  if (settings.motan !== undefined) {
    const { root, hostname, names, ports } = settings.motan;
    layouts.push(motan({ root, naming: { template: templateOf('motan', hostname), names }, ports }, context));
  }
  for (const { root, hostname, names, port, protocol } of settings.curator)
    layouts.push(
      curator({ root, template: templateOf('curator', hostname), names, port: { number: port, protocol } }, context),
    );
  return layouts;
}
