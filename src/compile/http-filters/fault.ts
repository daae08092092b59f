import { type FaultPlan, faultFilter } from '../../plan/route-filters.ts';
import type { HTTPFaultJson } from '../../proto/json.ts';
import { durationFromMs, extension, fractionOf } from '../generators/json.ts';
import { httpFilterKind } from './kind.ts';

const message = 'envoy.extensions.filters.http.fault.v3.HTTPFault';

export const faults = httpFilterKind(faultFilter, {
  write: () => extension(message, {}),
  writeForRoute: (plan) => extension(message, generateFault(plan)),
});

const generateFault = ({ delay, abort }: FaultPlan): HTTPFaultJson => ({
  ...(delay === null
    ? {}
    : { delay: { fixedDelay: durationFromMs(delay.delayMs), percentage: fractionOf(delay.percent) } }),
  ...(abort === null ? {} : { abort: { ...generateStatus(abort), percentage: fractionOf(abort.percent) } }),
});

const generateStatus = ({ type, status }: NonNullable<FaultPlan['abort']>) =>
  type === 'http' ? { httpStatus: status } : { grpcStatus: status };
