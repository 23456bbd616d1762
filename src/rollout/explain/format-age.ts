/** A span of time as `kubectl` prints ages: `45s`, `12m`, `3h20m`, `5d`. */
export function formatAge(ms: number | undefined): string {
  if (ms === undefined || Number.isNaN(ms)) return 'some time';
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d`;
}
