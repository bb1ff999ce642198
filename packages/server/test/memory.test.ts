import { openMemory } from '../src/store/memory.ts';
import { storeSuite } from './store-suite.ts';

storeSuite('memory', () => openMemory, { keeps: false });
