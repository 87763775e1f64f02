// Jest runs the TypeScript sources as ES modules: swc strips the types, Node loads the rest (--experimental-vm-modules, see Makefile).
const transform = {
  '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } }],
};
const base = {
  rootDir: import.meta.dirname,
  extensionsToTreatAsEsm: ['.ts'],
  transform,
  // Samples import the package by its name, as their readers will.
  moduleNameMapper: {
    '^volprime$': '<rootDir>/src/sdk/index.ts',
    '^volprime/testing$': '<rootDir>/src/sdk/testing/index.ts',
  },
  testEnvironment: 'node',
};

export default {
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/{src,image,samples,test/support}/**/*.test.ts', '<rootDir>/test/cluster/*.unit.test.ts'],
    },
    { ...base, displayName: 'integration', testMatch: ['<rootDir>/test/integration/**/*.test.ts'] },
    {
      ...base,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.test.ts', '<rootDir>/test/cluster/teardown.test.ts'],
    },
    // Those that need the cluster for themselves: among the others they would only make them wait.
    { ...base, displayName: 'e2e-alone', testMatch: ['<rootDir>/test/e2e/**/*.alone.ts'] },
    { ...base, displayName: 'e2e-full', testMatch: ['<rootDir>/{src,test/e2e,test/cluster}/**/*.long.ts'] },
  ],
};
