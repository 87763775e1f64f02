// Loaded with --import into a controller under test: `import 'volprime'` of a sample plugin is the SDK of that very controller.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const sdk = pathToFileURL(process.env.VOLPRIME_E2E_SDK).href;

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === 'volprime' ? { url: sdk, format: 'module', shortCircuit: true } : nextResolve(specifier, context),
});
