import test from 'ava';
import { handedOver, inherited } from '../../supervisor/environment.js';

const ofSystemd = {
  NOTIFY_SOCKET: '/run/systemd/notify',
  NOTIFY_FD: '3',
  WATCHDOG_USEC: '3000000',
  WATCHDOG_PID: '1',
  LISTEN_FDS: '1',
  LISTEN_PID: '1',
  LISTEN_FDNAMES: 'http',
};

test('what systemd says to the supervisor, or to whoever hands an environment over, is inherited by no worker', (t) => {
  t.deepEqual(inherited({ ...ofSystemd, PATH: '/bin' }), { PATH: '/bin' });
  t.deepEqual(handedOver({ ...ofSystemd, PATH: '/bin' }, {}), { PATH: '/bin' });
  t.deepEqual(handedOver({ PATH: '/bin' }, { ...ofSystemd, PATH: '/sbin' }), { PATH: '/bin' });
});

test('where the supervisor keeps what it has stays as it is', (t) => {
  const own = { STATE_DIRECTORY: '/var/lib/api', HOME: '/srv', A: '1' };
  t.deepEqual(handedOver({ STATE_DIRECTORY: '/tmp', MAINPID: '7', B: '2' }, own), {
    B: '2',
    STATE_DIRECTORY: '/var/lib/api',
    HOME: '/srv',
  });
});
