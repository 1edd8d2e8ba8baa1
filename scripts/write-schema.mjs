// Writes what editors read beside the compiled schema that it comes from. Runs after `tsc`.
import { writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import { ConfigSchema } from '../dist/config/schema.js';

// `input`: what is written in a file, where a key with a default may be left out. What a schema cannot say is only checked.
const schema = toJsonSchema(ConfigSchema, { typeMode: 'input', target: 'draft-07', errorMode: 'ignore' });
writeFileSync(
  new URL('../dist/config/config.schema.json', import.meta.url),
  `${JSON.stringify({ title: 'cordon configuration', ...schema }, null, 2)}\n`,
);
