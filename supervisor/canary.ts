// Pure: whether a new generation does worse than the old one, by what each has answered.
import type { Count } from './state.js';

/** So many failed answers may be chance, whatever the ratio. */
const ACCIDENTS = 2;

const ratio = ({ served, failed }: Count): number => (served === 0 ? 0 : failed / served);

/**
 * More than `maxRatio` times the old one's share of failed answers, once there are enough of them to tell. Where the old one has
 * none at all, a third one is one too many.
 */
export const isWorse = (fresh: Count, stale: Count, maxRatio: number, least: number): boolean =>
  fresh.served >= least && fresh.failed > ACCIDENTS && ratio(fresh) > maxRatio * ratio(stale);
