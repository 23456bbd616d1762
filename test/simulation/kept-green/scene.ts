/** The two Deployments of the user, and the Services that lead to the first one. */
export const namespace = 'shop';
export const blueName = 'app';
export const greenName = 'app-2';
export const serviceNames = ['admin', 'web'] as const;
