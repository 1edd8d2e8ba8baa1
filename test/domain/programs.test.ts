import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import test from 'ava';
import { create, Domain } from 'cordon/domain';
import { program } from './program.js';

const stories: [fixture: string, title: string, which: string, lines: string[]][] = [
  [
    'contained',
    'a contained error is still told to the program, through the guard',
    'thrown',
    ['contained bug uncaughtException', 'guard', 'program bug uncaughtException'],
  ],
  [
    'contained',
    'so is an unheard error event, and emit returns',
    'emitted',
    ['contained unheard uncaughtException', 'guard', 'program unheard uncaughtException', 'false'],
  ],
  [
    'contained',
    'so is a rejection',
    'rejected',
    ['contained rejected unhandledRejection', 'guard', 'program rejected unhandledRejection'],
  ],
  [
    'contained',
    'a rejection is told to the listener for rejections, where there is one',
    'rejected, with a listener',
    ['contained rejected unhandledRejection', 'guard', 'program rejected'],
  ],
  [
    'contained',
    'what belongs to no domain is the last resort’s',
    'nowhere',
    ['last resort bug uncaughtException', 'guard', 'program bug uncaughtException'],
  ],
  [
    'contained',
    'a domain of the program’s own, without a listener, leaves an error to the one around it',
    'inner domain',
    ['contained bug uncaughtException', 'guard', 'program bug uncaughtException'],
  ],
  [
    'task',
    'the hooks of tasks come with the first and go with the last',
    'hooks',
    ['while there are tasks false', 'while there is one false', 'afterwards true'],
  ],
  [
    'task',
    'a task without a function is refused, and puts nothing in place',
    'made without a function',
    ['TypeError A task needs a function to run, as in createTask((done) => {})', 'true', 'with one'],
  ],
  ['task', 'the error of a task that nobody asks about ends up with the process', 'nobody asks', ['process bug']],
  [
    'task',
    'what a task throws after it was done goes to its parent',
    'thrown after done',
    ['ended null early', 'process late'],
  ],
];

for (const [fixture, title, which, lines] of stories)
  test(title, async (t) => {
    const outcome = await program(fixture, which);
    t.deepEqual(outcome.lines, lines, outcome.stderr);
    t.is(outcome.code, 0);
  });

function statusOf(server: Server, path: string): Promise<number | undefined> {
  const { port } = server.address() as { port: number };
  return new Promise((resolve, reject) => {
    get({ port, path, agent: false }, (response: IncomingMessage) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
}

test('one domain for the server and one for each request: each error finds the request it is of', async (t) => {
  const serverDomain = create();
  serverDomain.on('error', () => t.fail());
  const server = serverDomain.run(() =>
    createServer((request, response) => {
      t.is(Domain.current(), serverDomain);
      const own = create();
      own.add(request);
      own.add(response);
      own.on('error', () => response.writeHead(500).end());
      // The request ends in its own domain, wherever it was made.
      request.resume().on('end', () => {
        t.is(Domain.current(), own);
        if (request.url === '/listener') own.claim(new Error('in a listener'), 'uncaughtException');
        else if (request.url === '/event') response.emit('error', new Error('unheard'));
        else response.end();
      });
    }).listen(0),
  );
  await once(server, 'listening');
  const paths = ['/', '/listener', '/event', '/'];
  t.deepEqual(await Promise.all(paths.map((path) => statusOf(server, path))), [200, 500, 500, 200]);
  server.close();
});
