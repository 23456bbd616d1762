import { describe, expect, it } from 'vitest';
import { planImages } from '../../src/rollout/plan/plan-images.ts';
import type { ImageRequest } from '../../src/rollout/spec.ts';

const app = { name: 'app', image: 'shop/app:v1' };
const sidecar = { name: 'proxy', image: 'registry.example:5000/team/proxy@sha256:aa' };
const digest = `sha256:${'b'.repeat(64)}`;

const tag = (value: string, ...containers: string[]): ImageRequest => ({ kind: 'tag', tag: value, containers });
const image = (value: string, ...containers: string[]): ImageRequest => ({ kind: 'image', image: value, containers });

describe('planImages', () => {
  it.each([
    { name: 'a tag', containers: [app], request: tag('v2'), to: ['shop/app:v2'] },
    { name: 'a digest', containers: [app], request: tag(digest), to: [`shop/app@${digest}`] },
    { name: 'a reference', containers: [app], request: image('other/app:v9'), to: ['other/app:v9'] },
    { name: 'an image without a tag', containers: [{ name: 'app', image: 'app' }], request: tag('v2'), to: ['app:v2'] },
    {
      name: 'a registry with a port',
      containers: [{ name: 'app', image: 'registry.example:5000/app' }],
      request: tag('v2'),
      to: ['registry.example:5000/app:v2'],
    },
    { name: 'the same image', containers: [app], request: tag('v1'), to: [] },
  ])('$name', ({ containers, request, to }) => {
    const planned = planImages(containers, request);
    expect(planned.kind === 'images' ? planned.images.map((change) => change.to) : planned).toEqual(to);
  });

  it('gives the right container its image, by its place in the template', () => {
    expect(planImages([sidecar, app], tag('v2', 'app'))).toEqual({
      kind: 'images',
      images: [{ container: 'app', index: 1, from: 'shop/app:v1', to: 'shop/app:v2' }],
    });
  });

  it('takes an image for each container', () => {
    const planned = planImages([sidecar, app], { kind: 'by-container', images: { proxy: 'p:2', app: 'a:2' } });
    expect(planned).toMatchObject({
      kind: 'images',
      images: [
        { container: 'proxy', index: 0 },
        { container: 'app', index: 1 },
      ],
    });
  });

  it('wants to know which of several containers', () => {
    expect(planImages([sidecar, app], tag('v2'))).toMatchObject({ kind: 'problem', message: expect.stringContaining('proxy, app') });
  });

  it('names the containers that there are', () => {
    expect(planImages([app], tag('v2', 'ap'))).toMatchObject({ kind: 'problem', hint: expect.stringContaining('app') });
  });
});
