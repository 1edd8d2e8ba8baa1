// A capture callback takes every uncaught error before the process hears of it. One that the program sets while domains are
// in use gets what no domain claims; one that was there before cannot be seen, let alone shared.
import { EventEmitter } from 'node:events';
import { announced, announcedOrigin } from './escaped.js';
import { once } from './shared.js';

type Capture = (error: Error) => unknown;
type SetCapture = (capture: Capture | null) => void;
type Registrar = 'setUncaughtExceptionCaptureCallback' | 'addUncaughtExceptionCaptureCallback';

/** node:domain is loaded: the callback that comes and goes with its domains is its own affair. */
const usesNodeDomain = (): boolean => (EventEmitter as unknown as { usingDomains?: boolean }).usingDomains === true;

export function watchCapture(): void {
  if (process.hasUncaughtExceptionCaptureCallback() && !usesNodeDomain())
    throw Object.assign(
      new Error(
        'A callback was registered with process.setUncaughtExceptionCaptureCallback() before the first domain was made: ' +
          'it would get the errors of every domain, so it cannot be combined with using the `domain` module. ' +
          'Make a domain, or call switchOn() of cordon/domain, first; then both are honoured.',
      ),
      { code: 'ERR_DOMAIN_CALLBACK_NOT_AVAILABLE' },
    );
  once('capture', () => {
    share('setUncaughtExceptionCaptureCallback');
    share('addUncaughtExceptionCaptureCallback');
  });
}

function share(registrar: Registrar): void {
  const registrars = process as unknown as { [name in Registrar]?: SetCapture };
  const original = registrars[registrar];
  if (original === undefined) return;

  const standIn = {
    [registrar](capture: Capture | null): void {
      if (typeof capture !== 'function' || usesNodeDomain()) return original.call(process, capture);
      original.call(process, (error) => {
        let answer: unknown = true;
        announced(error, announcedOrigin(), (last) => {
          answer = capture(last as Error);
          return true;
        });
        return answer;
      });
    },
  };
  registrars[registrar] = standIn[registrar] as SetCapture;
}
