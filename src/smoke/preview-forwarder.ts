import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../errors.ts';
import type { PreviewRelay } from '../runner/ports.ts';

const bodyBytesMax = 1024 * 1024;

export type PreviewForwarder = { readonly url: string; close(): Promise<void> };

/** An HTTP server on 127.0.0.1 whose requests go to the preview Service, with credentials that whoever asks never sees. */
export async function openPreviewForwarder(relay: PreviewRelay, signal: AbortSignal): Promise<PreviewForwarder> {
  const server = createServer((request, response) => {
    answer(relay, request, response, signal).catch((error: unknown) => {
      response.writeHead(502, { 'content-type': 'text/plain' }).end(`the preview does not answer: ${messageOf(error)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(relay: PreviewRelay, request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { method = 'GET' } = request;
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
    response.writeHead(405, { 'content-type': 'text/plain' }).end('the preview takes GET, HEAD and POST\n');
    return;
  }
  const body = await readBody(request);
  if (body === undefined) {
    response.writeHead(413, { 'content-type': 'text/plain' }).end('the preview takes bodies of 1 MB at most\n');
    return;
  }
  // Parsing takes every `..` away, encoded ones too: with our credentials nobody goes beyond the preview.
  const { pathname, search } = new URL(request.url ?? '/', 'http://preview');
  const contentType = request.headers['content-type'];
  const got = await relay(
    {
      method: method === 'POST' ? 'POST' : 'GET',
      path: pathname,
      search,
      headers: { accept: request.headers.accept ?? '*/*', ...(contentType === undefined ? {} : { 'content-type': contentType }) },
      body: method === 'POST' ? body : undefined,
    },
    signal,
  );
  response.writeHead(got.status, got.contentType === undefined ? {} : { 'content-type': got.contentType });
  response.end(method === 'HEAD' ? undefined : got.text);
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
