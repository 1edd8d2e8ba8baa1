// Writes what editors read beside the compiled schema that it comes from. Runs after `tsc`.
import { writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import { ConfigSchema } from '../dist/config/schema.js';

// `input`: what is written in a file, where a key with a default may be left out. What a schema cannot say is only checked.
const { $schema, ...app } = toJsonSchema(ConfigSchema, {
  typeMode: 'input',
  target: 'draft-07',
  errorMode: 'ignore',
});
// What the names of modes and the list of apps add: they are taken apart before the schema is asked.
app.patternProperties = { '^env\\.': { ...app.properties.env, description: 'Variables of one mode, added to `env`.' } };
const apps = {
  type: 'array',
  minItems: 1,
  items: { $ref: '#/definitions/app' },
  description:
    'Several apps, each a configuration of its own; then nothing else stands beside. Default: one app, this one.',
};
const schema = {
  $schema,
  title: 'cordon configuration',
  ...app,
  properties: { ...app.properties, apps },
  definitions: { app },
};
writeFileSync(new URL('../dist/config/config.schema.json', import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
