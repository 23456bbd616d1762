/** A copy without what stands at the given paths; `*` stands for each element. An object that is empty then goes as well. */
export function without(object: object, paths: readonly (readonly string[])[]): unknown {
  const copy: unknown = structuredClone(object);
  for (const path of paths) remove(copy, path);
  return copy;
}

function remove(node: unknown, path: readonly string[]): void {
  const [key, ...rest] = path;
  if (key === undefined || node === null || typeof node !== 'object') return;
  if (key === '*') {
    for (const child of Object.values(node)) remove(child, rest);
    return;
  }
  const record = node as Record<string, unknown>;
  if (rest.length === 0) {
    delete record[key];
    return;
  }
  const child = record[key];
  remove(child, rest);
  if (child !== null && typeof child === 'object' && !Array.isArray(child) && Object.keys(child).length === 0) delete record[key];
}

/** The paths at which two JSON values differ, with both values. */
export function differences(before: unknown, after: unknown, path = ''): readonly string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(before[key], after[key], `${path}/${key}`));
  }
  return [`${path}: ${shown(before)} became ${shown(after)}`];
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object';
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
