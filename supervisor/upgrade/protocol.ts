// What a supervisor and its successor say to each other, over the IPC channel of the process that the one started. They may be of
// different versions of cordon: a field is only ever added, and what one does not know it passes over.
import type { Moved } from '../../worker/protocol.js';
import type { Heirloom } from '../inheritance.js';
import type { Legacy } from '../metrics/legacy.js';

/** In the successor's environment; taken out of it before anything is forked. */
export const UPGRADE_VARIABLE = 'CORDON_UPGRADE';
/** The first descriptor of what is inherited: 0 to 2 are the standard ones, 3 is this channel. */
export const FIRST_FD = 4;

/** How many workers there are, and how many the configuration had asked for when that was decided. */
export interface Scale {
  readonly size: number;
  readonly standby: number;
  readonly configured: { readonly workers: number; readonly standby: number };
}

/** What a supervisor says of one of its apps. */
export interface Will {
  readonly name: string;
  readonly scale?: Scale | undefined;
  /** Somebody of it serves. */
  readonly serves: boolean;
}

export type FromSuccessor =
  | {
      readonly cordon: 'hello';
      readonly version: string;
      readonly node: string;
      /** Whoever started it may have started another process, and that one this. Absent before 0.2. */
      readonly pid?: number;
    }
  /** All its workers serve. The predecessor may go. */
  | { readonly cordon: 'ready' }
  | { readonly cordon: 'failed'; readonly why: string }
  /** It has this connection, and its fleet will. */
  | { readonly cordon: 'took'; readonly seq: number }
  /** It has not read from it, and has nobody for it: its fleet stops. */
  | { readonly cordon: 'returned'; readonly seq: number }
  /** Its fleet stops, or the one that it passes connections on to: what is kept open is better off where it is. */
  | {
      readonly cordon: 'keep';
      /** As the predecessor calls it. Absent: all. */
      readonly app?: string | undefined;
    };

export type ToSuccessor =
  | {
      readonly cordon: 'inherit';
      /** In the order of their descriptors, from `FIRST_FD` on. */
      readonly sockets: readonly Heirloom[];
      /** Of the only app. Absent before 0.2. */
      readonly scale?: Scale | undefined;
      /** Absent before 0.2. */
      readonly apps?: readonly Will[];
    }
  /** Whoever asks for the supervisor, systemd above all, is shown to the successor from now on. */
  | {
      readonly cordon: 'lead';
      /** The operator wants no new requests here. */
      readonly maintenance?: boolean;
      /** The apps of which that is so. Absent before 0.2. */
      readonly maintained?: readonly string[];
    }
  /** What has been counted so far, or since it was told last. */
  | { readonly cordon: 'counted'; readonly legacy: Legacy; readonly app?: string }
  /** With the handle of a kept connection on which nothing is under way. */
  | { readonly cordon: 'connection'; readonly seq: number; readonly moved: Moved; readonly app?: string };

/** What was said, or nothing where it is somebody else's word. */
export function heard(message: unknown): FromSuccessor | ToSuccessor | undefined {
  const is =
    typeof message === 'object' && message !== null && typeof (message as { cordon?: unknown }).cordon === 'string';
  return is ? (message as FromSuccessor | ToSuccessor) : undefined;
}
