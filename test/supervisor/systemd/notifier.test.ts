// One message at a time, none of weight lost, and no more of them than need be.
import test from 'ava';
import { Notifier, type Transport } from '../../../supervisor/systemd/notifier.js';

/** Hears, and answers when told to. */
function slow(): { transport: Transport; heard: string[]; answer: () => Promise<void> } {
  const heard: string[] = [];
  let done: (() => void) | undefined;
  let came: (() => void) | undefined;
  const transport: Transport = (text) => {
    heard.push(text);
    came?.();
    return new Promise((resolve) => (done = resolve));
  };
  return {
    heard,
    transport,
    answer: async () => {
      if (done === undefined) await new Promise<void>((resolve) => (came = resolve));
      const answer = done;
      done = undefined;
      answer?.();
    },
  };
}

const never = (error: Error): void => {
  throw error;
};

test('what is said while a message is on its way goes out as one', async (t) => {
  const { transport, heard, answer } = slow();
  const notifier = new Notifier([transport], never);
  notifier.say({ STATUS: 'a' });
  await Promise.resolve();
  notifier.say({ STATUS: 'b' });
  notifier.say({ WATCHDOG: '1' });
  notifier.say({ STATUS: 'c' });
  await answer();
  await answer();
  await notifier.heard();
  t.deepEqual(heard, ['STATUS=a', 'STATUS=c\nWATCHDOG=1']);
});

test('words that turn the state keep their order, and none takes the place of another', async (t) => {
  const heard: string[] = [];
  const notifier = new Notifier([async (text) => void heard.push(text)], never);
  notifier.say({ RELOADING: '1' });
  notifier.say({ STATUS: 'x' });
  notifier.say({ READY: '1', STATUS: 'y' });
  notifier.say({ STOPPING: '1' });
  await notifier.heard();
  t.deepEqual(heard, ['RELOADING=1\nSTATUS=x', 'READY=1\nSTATUS=y', 'STOPPING=1']);
});

test('a line break in a status cannot pass for another word', async (t) => {
  const heard: string[] = [];
  const notifier = new Notifier([async (text) => void heard.push(text)], never);
  notifier.say({ STATUS: 'a\nMAINPID=1' });
  await notifier.heard();
  t.deepEqual(heard, ['STATUS=a MAINPID=1']);
});

test('a message that fails is tried again', async (t) => {
  let tries = 0;
  const notifier = new Notifier([async () => void (++tries < 3 && (await Promise.reject(new Error('busy'))))], never);
  notifier.say({ READY: '1' });
  await notifier.heard();
  t.is(tries, 3);
});

const absent = (): Promise<void> => Promise.reject(Object.assign(new Error('not there'), { code: 'ENOENT' }));

test('where one way does not work, the next one is taken; where none does, that is said once', async (t) => {
  const heard: string[] = [];
  const second = new Notifier([absent, async (text) => void heard.push(text)], never);
  second.say({ READY: '1' });
  await second.heard();
  t.deepEqual(heard, ['READY=1']);
  const complaints: string[] = [];
  const none = new Notifier([absent], ({ message }) => complaints.push(message));
  for (const word of ['READY', 'STOPPING']) {
    none.say({ [word]: '1' });
    await none.heard();
  }
  t.deepEqual(complaints, ['not there']);
});

test('whoever is muted says what was said before, and nothing after', async (t) => {
  const heard: string[] = [];
  const notifier = new Notifier([async (text) => void heard.push(text)], never);
  notifier.say({ MAINPID: '7' });
  notifier.mute();
  notifier.say({ STOPPING: '1' });
  await notifier.heard();
  t.deepEqual(heard, ['MAINPID=7']);
});
