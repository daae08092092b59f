import { type ConfigurableAdapter, configurable } from '../src/adapter-contract/configurable.ts';
import { example } from './example/index.ts';
import { file } from './file/index.ts';
import { kubernetes } from './kubernetes/index.ts';
import { nacos } from './nacos/index.ts';
import { registration } from './registration/index.ts';
import { zookeeper } from './zookeeper/index.ts';

/** All adapters. To add one, write a folder and add a line here. */
export const adapters: readonly ConfigurableAdapter[] = [
  configurable(file),
  configurable(registration),
  configurable(kubernetes),
  configurable(example),
  configurable(zookeeper),
  configurable(nacos),
];
