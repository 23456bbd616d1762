import fc from 'fast-check';

/** Any UTF-16, well formed or not. (fast-check's own unit 'binary' takes a second to build its table.) */
export const anyText = fc.array(fc.oneof(fc.nat(0xff), fc.nat(0xff_ff)), { maxLength: 12 }).map((units) => String.fromCharCode(...units));
