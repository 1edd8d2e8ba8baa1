// The manifests of contrib/kubernetes, against the schemas that Kubernetes publishes: values by their validators, keys by their types.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test from 'ava';
import { root } from '../support/fleet.js';
import { type Manifest, manifestsOf } from '../support/manifest.js';

const text = readFileSync(join(root, 'contrib/kubernetes/deployment.yaml'), 'utf8');
// Not by `import`: the package's types do not hold under the compiler's strictest rules.
const require = createRequire(import.meta.url);
type Model = new (data: unknown) => { validate(): void };
const { Deployment } = require('kubernetes-models/apps/v1/Deployment') as { Deployment: Model };
const { PodDisruptionBudget } = require('kubernetes-models/policy/v1/PodDisruptionBudget') as {
  PodDisruptionBudget: Model;
};
const models = { Deployment, PodDisruptionBudget };
const places = { Deployment: 'apps/v1', PodDisruptionBudget: 'policy/v1' };
const modelOf = (manifest: Manifest) => new models[manifest.kind as keyof typeof models](manifest);

test('the values of every manifest are what the schemas ask for', (t) => {
  const manifests = manifestsOf(text);
  t.deepEqual(
    manifests.map(({ kind }) => kind),
    ['Deployment', 'PodDisruptionBudget'],
  );
  for (const manifest of manifests) t.notThrows(() => modelOf(manifest).validate());
});

test('a wrong value would be found', (t) => {
  for (const [from, to] of [
    ['replicas: 3', 'replicas: three'],
    ['failureThreshold: 60', 'failureThreshold: often'],
    ['minAvailable: 2', 'minAvailable: []'],
  ] as const) {
    t.true(text.includes(from));
    t.throws(
      () => {
        for (const manifest of manifestsOf(text.replace(from, to))) modelOf(manifest).validate();
      },
      undefined,
      to,
    );
  }
});

/** What the compiler says of the manifests as values of the schemas' types: a key that is not known is an error. */
function compiled(manifests: readonly Manifest[]): string {
  const folder = mkdtempSync(join(root, 'node_modules/.cordon-manifest-'));
  try {
    const file = join(folder, 'manifests.ts');
    const lines = manifests.flatMap((manifest, index) => {
      const kind = manifest.kind as keyof typeof places;
      return [
        `import type { I${kind} as I${index} } from 'kubernetes-models/${places[kind]}/${kind}';`,
        `export const manifest${index}: I${index} = ${JSON.stringify(manifest)};`,
      ];
    });
    writeFileSync(file, lines.join('\n'));
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--ignoreConfig',
      '--types',
      '',
      '--module',
      'nodenext',
      '--target',
      'es2022',
    ];
    return spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, file], {
      encoding: 'utf8',
    }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('every key is one of the schemas, and one that is not would be found', (t) => {
  t.is(compiled(manifestsOf(text)), '');
  t.regex(compiled(manifestsOf(text.replace('preStop:', 'beforeStop:'))), /beforeStop.* does not exist/);
});

const numberIn = (pattern: RegExp): number => Number(pattern.exec(text)?.[1]);

test('the pod’s grace is longer than what preStop waits and a fleet takes to stop', (t) => {
  t.true(numberIn(/terminationGracePeriodSeconds: (\d+)/) > numberIn(/setTimeout\(\(\) => \{\}, (\d+)\)/) / 1000 + 30);
});
