import { memoryStore } from '../../../src/store/memory/memory.ts';
import { storeConformance } from '../../support/store-conformance.ts';

storeConformance('memory', { open: async (clock) => memoryStore({ clock }), runs: 200 });
