import { memoryStore } from '../../../src/rules/store/memory.ts';
import { storeConformance } from '../../support/store-conformance.ts';

storeConformance('memory', async (clock) => memoryStore({ clock }));
