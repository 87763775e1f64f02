/** Log lines for a person who reads `kubectl logs`, on standard output beside the progress lines. */
import type { PluginLogger } from '../sdk/index.ts';
import { visible } from '../visible.ts';
import { withoutCredentials } from '../without-credentials.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One visible line per message: time, level, message, fields as key=value. Values come from the plugin, which keeps secrets out of them. */
export function createLog(write: (line: string) => void): PluginLogger {
  const at =
    (level: string) =>
    (message: string, fields: Fields = {}) => {
      const pairs = Object.entries(fields).map(([key, value]) => `${key}=${text(value)}`);
      write(visible(withoutCredentials([new Date().toISOString(), level, message, ...pairs].join(' '))));
    };
  return { debug: () => undefined, info: at('INFO'), warn: at('WARN'), error: at('ERROR') };
}

function text(value: unknown): string {
  const words = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
  return /^[^\s"=]+$/.test(words) ? words : JSON.stringify(words);
}
