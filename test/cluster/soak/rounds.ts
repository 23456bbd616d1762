/** How often a soak does what it does; `ROUNDS=2` tries it out. */
export const rounds = Number(process.env['ROUNDS'] ?? '20');
