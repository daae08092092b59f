import { parseOldYaml } from '../../../src/adapter-contract/yaml.ts';
import { readRuleText, readRuleUrl } from '../../../src/dubbo/governance/read-rules.ts';
import { parseRuleName } from '../../../src/dubbo/governance/rule-name.ts';
import type { NodeChange, NodeInterest } from '../tree/mirror.ts';
import { below, type Layout, type LayoutContext } from './layout.ts';

/** Folders of an interface whose nodes are rules. */
export const ruleFolders: readonly string[] = ['configurators', 'routers'];

/** Applies a change of `/dubbo/<interface>/{configurators,routers}/<URL>`. */
export function applyRuleNode(root: string, change: NodeChange, { governance }: LayoutContext): void {
  const origin = [root, ...change.names].join('/');
  const url = change.names.at(-1) ?? '';
  if (change.type === 'removed') governance.remove(origin);
  else governance.set(origin, readRuleUrl(url, parseOldYaml));
}

/** Dubbo's configuration centre: `/dubbo/config/dubbo/<application or service>.<kind of rule>`. */
export function dubboRules({ root: dubboRoot }: { readonly root: string }, context: LayoutContext): Layout {
  const root = below(context.chroot, `${dubboRoot}/config/dubbo`);

  function apply(change: NodeChange): void {
    const [name = ''] = change.names;
    const rule = parseRuleName(name);
    const origin = `${root}/${name}`;
    if (change.type === 'removed') context.governance.remove(origin);
    else if (rule !== null)
      context.governance.set(origin, readRuleText(rule, (change.data ?? '').toString(), parseOldYaml));
  }

  return { trees: [{ root, interestIn, apply }] };
}

const interestIn = ([name = '', ...deeper]: readonly string[]): NodeInterest =>
  deeper.length === 0 && parseRuleName(name) !== null ? 'data' : null;
