import { parseMapping } from '../runner/action-file.ts';

type Section = ReturnType<typeof parseMapping>;

/** The table between `<!-- inputs -->` and `<!-- /inputs -->` of the README. */
export function renderInputsTable(actionYml: string): string {
  const rows = entriesOf(actionYml, 'inputs').map(([name, input]) => {
    const fallback = scalar(input, 'required') === 'true' ? 'required' : codeOrNothing(scalar(input, 'default'));
    return row([`\`${name}\``, cell(scalar(input, 'description')), fallback]);
  });
  return [row(['input', 'what it is', 'default']), row(['---', '---', '---']), ...rows].join('\n');
}

/** The table between `<!-- outputs -->` and `<!-- /outputs -->` of the README. */
export function renderOutputsTable(actionYml: string): string {
  const rows = entriesOf(actionYml, 'outputs').map(([name, output]) => row([`\`${name}\``, cell(scalar(output, 'description'))]));
  return [row(['output', 'what it is']), row(['---', '---']), ...rows].join('\n');
}

/** Name and mapping of each entry of a section of action.yml. */
export function entriesOf(actionYml: string, section: 'inputs' | 'outputs'): readonly (readonly [string, Section])[] {
  const mapping = parseMapping(actionYml).get(section);
  if (mapping === undefined || typeof mapping === 'string') throw new Error(`action.yml has no ${section}`);
  return [...mapping].map(([name, entry]) => {
    if (typeof entry === 'string') throw new Error(`action.yml: ${name} is not a mapping`);
    return [name, entry] as const;
  });
}

/** A text of a mapping; undefined where it is left out. */
export function scalar(mapping: Section, key: string): string | undefined {
  const value = mapping.get(key);
  return typeof value === 'string' ? value : undefined;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function cell(text: string | undefined): string {
  return (text ?? '').replaceAll('|', '\\|');
}

function codeOrNothing(text: string | undefined): string {
  return text === undefined ? '' : `\`${text}\``;
}
