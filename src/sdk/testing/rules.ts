import { callRules } from './call-rules.ts';
import { cleanupRules } from './cleanup-rules.ts';
import { definitionRules } from './definition-rules.ts';
import { podRules } from './pod-rules.ts';
import type { Rule } from './rule.ts';

export const allRules: readonly Rule[] = [...definitionRules, ...podRules, ...callRules, ...cleanupRules];
