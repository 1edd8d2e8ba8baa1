// What systemd says to a service is read once, and reaches nobody else.
import test from 'ava';
import { isInvited, takeInvitation } from '../../../supervisor/systemd/invitation.js';

test('sockets go by name, and the one called notify is not for clients', (t) => {
  const environment = { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'http:notify:http', PATH: '/bin' };
  t.true(isInvited(environment));
  const { descriptors, notifyFd } = takeInvitation(environment, 7);
  t.deepEqual(descriptors, [
    { fd: 3, name: 'http' },
    { fd: 5, name: 'http' },
  ]);
  t.is(notifyFd, 4);
  t.deepEqual(environment, { PATH: '/bin' } as never, 'workers inherit nothing of it');
  t.false(isInvited(environment));
});

test('sockets that are meant for another process are not taken, and it is known whose they are', (t) => {
  const invitation = takeInvitation({ LISTEN_PID: '8', LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' }, 7);
  t.deepEqual(invitation.descriptors, []);
  t.is(invitation.meantFor, 8);
});

test('sockets without names are called unknown, as sd_listen_fds_with_names does', (t) => {
  t.deepEqual(takeInvitation({ LISTEN_PID: '7', LISTEN_FDS: '1' }, 7).descriptors, [{ fd: 3, name: 'unknown' }]);
});

test('the watchdog of another process is not ours', (t) => {
  t.is(takeInvitation({ WATCHDOG_USEC: '3000000' }, 7).watchdogMs, 3000);
  t.is(takeInvitation({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7' }, 7).watchdogMs, 3000);
  t.is(takeInvitation({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '8' }, 7).watchdogMs, undefined);
});

test('nonsense is nothing', (t) => {
  const given = { LISTEN_PID: 'x', LISTEN_FDS: '-1', WATCHDOG_USEC: 'soon', NOTIFY_FD: '', NOTIFY_SOCKET: '' };
  t.deepEqual(takeInvitation(given, 7), {
    descriptors: [],
    notifyFd: undefined,
    notifySocket: undefined,
    watchdogMs: undefined,
    meantFor: undefined,
  });
});
