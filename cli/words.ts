// Figures as people read them.

/** `3 s`, `12 m`, `5 h`, `9 d`. */
export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m`;
  if (s < 86_400)
    return `${Math.floor(s / 3600)}h${s % 3600 >= 60 && s < 36_000 ? `${Math.floor((s % 3600) / 60)}m` : ''}`;
  return `${Math.floor(s / 86_400)}d`;
}

/** `812B`, `53M`, `1.2G`. */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return '';
  if (bytes < 1024) return `${bytes}B`;
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)}K`;
  return bytes < 1024 ** 3 ? `${Math.round(bytes / 1024 ** 2)}M` : `${(bytes / 1024 ** 3).toFixed(1)}G`;
}

export const percent = (share: number | undefined): string =>
  share === undefined ? '' : `${Math.round(share * 100)}%`;

/** `999`, `12.3k`, `4.5M`. */
export function number(count: number | undefined): string {
  if (count === undefined) return '';
  if (count < 10_000) return String(count);
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** What was said by a client or a program may steer a terminal; here it does not. */
// oxlint-disable-next-line no-control-regex
export const harmless = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
