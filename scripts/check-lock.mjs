// Refuses a package-lock.json that `npm ci` would refuse on another machine (a native tool whose platform packages are not
// all locked), and any package that runs a script when it is installed.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
  Object.keys(optionalDependencies)
    .filter((name) => !(`node_modules/${name}` in packages || `${place}/node_modules/${name}` in packages))
    .map((name) => `${place} needs ${name}, which is not locked`),
);
const scripted = Object.entries(packages)
  .filter(([, entry]) => entry.hasInstallScript && !entry.optional)
  .map(([place]) => `${place} runs a script when it is installed`);
for (const problem of [...missing, ...scripted]) console.error(`package-lock.json: ${problem}`);
process.exitCode = missing.length + scripted.length > 0 ? 1 : 0;
