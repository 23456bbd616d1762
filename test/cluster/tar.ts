export interface TarEntry {
  readonly path: string;
  readonly chunks: readonly Buffer[];
  readonly executable?: boolean;
}

const block = 512;

/** A tar of plain files as a list of buffers; the same entries always give the same bytes, because the digests of the images hang on them. */
export function tar(entries: readonly TarEntry[]): readonly Buffer[] {
  return [...entries.flatMap((entry) => [header(entry), ...entry.chunks, padding(sizeOf(entry.chunks))]), Buffer.alloc(2 * block)];
}

export function sizeOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function padding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block);
}

function header(entry: TarEntry): Buffer {
  if (Buffer.byteLength(entry.path) > 100) {
    throw new Error(`path too long for a plain tar header: ${entry.path}`);
  }
  const bytes = Buffer.alloc(block);
  bytes.write(entry.path, 0);
  bytes.write(octal(entry.executable ? 0o755 : 0o644, 8), 100);
  bytes.write(octal(0, 8), 108);
  bytes.write(octal(0, 8), 116);
  bytes.write(octal(sizeOf(entry.chunks), 12), 124);
  bytes.write(octal(0, 12), 136);
  // The checksum counts its own field as spaces.
  bytes.write(' '.repeat(8), 148);
  bytes.write('0', 156);
  bytes.write('ustar\u000000', 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${octal(sum, 7)} `, 148);
  return bytes;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}
