// A program that is developed.
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ask } from '../support/client.js';
import { startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { until } from '../support/until.js';

const server = `
  import { createServer } from 'node:http';
  import { createRequire } from 'node:module';
  import { answer } from './lib/answer.mjs';
  const { more } = createRequire(import.meta.url)('./lib/more.cjs');
  createServer((request, response) => {
    if (request.url !== '/never') response.end(answer + more);
    else console.log('waits');
  }).listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port); });
`;

test('a save is served by new code and loses no request; one that does not parse is shown, and the old code serves on; Ctrl-C ends at once', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const save = (file: string, text: string): void => {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, `${file}~`), text);
    renameSync(join(folder, `${file}~`), join(folder, file));
  };
  save('server.mjs', server);
  save('lib/answer.mjs', "export const answer = 'one';");
  save('lib/more.cjs', "exports.more = '!';");
  save('node_modules/x/index.js', '');
  save('views/page.html', '');
  const fleet = startFleet(t, ['server.mjs', '-w', '2', '--watch', '--watch-path', 'views'], {
    cwd: folder,
    env: { CORDON_WATCH_DEBOUNCE: '50ms' },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const served = async (): Promise<unknown> => {
    const outcome = await ask(t, target, '/');
    return outcome.became === 'answered' ? outcome.body : outcome;
  };
  t.is(await served(), 'one!');

  const load = startLoad(t, target, 4, () => ({ path: '/' }));
  await load.reached(20);
  for (const file of ['node_modules/x/index.js', '.git/HEAD', 'views/app.log', 'logs/x.mjs', 'lib/other.mjs'])
    save(file, '// new');
  save('lib/answer.mjs', "export const answer = 'two';");
  await fleet.line(/^lib\/answer\.mjs changed: reloaded in [\d.]+ m?s$/);
  // The word to stop accepting may be on its way to the last of the old.
  await until('new code answers', async () => (await served()) === 'two!');
  save('lib/answer.mjs', "import { word } from './word.mjs'; export const answer = word;");
  await fleet.line(/^lib\/answer\.mjs changed: worker \d+ died before it was ready .*; the old code serves on/);
  await fleet.line(({ msg, stream }) => stream === 'stderr' && /word\.mjs/.test(msg));
  t.is(await served(), 'two!');
  save('lib/word.mjs', "export const word = 'three");
  await fleet.line(/^lib\/word\.mjs changed: worker \d+ died/);
  await fleet.line(/^SyntaxError: Invalid or unexpected token/);
  save('lib/word.mjs', "export const word = 'three'");
  await fleet.line(/^lib\/word\.mjs changed: reloaded/);
  save('lib/more.cjs', "exports.more = '?';");
  await fleet.line(/^lib\/more\.cjs changed: reloaded/);
  await until('newer code answers', async () => (await served()) === 'three?');
  save('views/page.html', 'new');
  await fleet.line(/^views\/page\.html changed: reloaded/);
  await load.reached(load.told.length + 20);
  t.deepEqual(lost(await load.end()), []);
  t.is(fleet.lines.filter(({ msg }) => / changed: /.test(msg)).length, 6, 'a line for each change');
  t.is(
    fleet.lines.filter(
      ({ msg }) => /^reload|^worker \d+ (?:starts|is ready|drains|is gone)/.test(msg) && !/came to nothing/.test(msg),
    ).length,
    4,
    'and the first start',
  );

  const open = ask(t, target, '/never');
  await fleet.line(/^waits/);
  fleet.child.kill('SIGINT');
  t.is(await fleet.ended, 130);
  t.is((await open).became, 'broken');
});

test('a save amid the first start is served by new code', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  // Saved as soon as the supervisor knows of it, and the clock of files, which ticks every few milliseconds, can tell.
  writeFileSync(
    join(folder, 'server.mjs'),
    `import { writeFileSync } from 'node:fs';
    import { createServer } from 'node:http';
    import { word } from './lib/word.mjs';
    const save = () => writeFileSync(new URL('lib/word.mjs', import.meta.url), "export const word = 'two';");
    createServer((request, response) => response.end(word)).listen(0, '127.0.0.1', function () {
      console.log('port ' + this.address().port);
      if (word === 'one') setTimeout(save, 10);
    });`,
  );
  mkdirSync(join(folder, 'lib'));
  writeFileSync(join(folder, 'lib/word.mjs'), "export const word = 'one';");
  const fleet = startFleet(t, ['server.mjs', '-w', '1', '--watch'], { cwd: folder });
  await fleet.line(/^lib\/word\.mjs changed: reloaded/);
  const target = { port: await fleet.port() };
  await until('new code answers', async () => {
    const outcome = await ask(t, target, '/');
    return outcome.became === 'answered' && outcome.body === 'two';
  });
  t.is(await fleet.stop(), 0);
});

test('a first start that does not parse waits for whoever mends it', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'server.cjs'), 'const a = ;');
  const fleet = startFleet(t, ['server.cjs', '-w', '1', '--watch'], { cwd: folder });
  await fleet.line(/^SyntaxError/);
  writeFileSync(join(folder, 'server.cjs'), "require('node:http').createServer().listen(0)");
  await fleet.line(/^server\.cjs changed: reloaded/);
  t.is(await fleet.stop(), 0);
});
