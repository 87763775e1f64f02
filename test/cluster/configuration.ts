/** The files that components read, and the fingerprint that tells one configuration from another. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Component } from './component.ts';
import { auditPolicy, schedulerConfiguration } from './control-plane.ts';
import { localPathConfiguration } from './local-path.ts';
import { cniConfiguration } from './network.ts';
import { containerdConfiguration, kubeletConfiguration, kubeProxyConfiguration, type NodeOptions } from './node.ts';
import { sourceDir } from './paths.ts';

/** Path below the state directory → content. */
export type ConfigFiles = Readonly<Record<string, string>>;

export function controlPlaneFiles(): ConfigFiles {
  return { 'audit-policy.json': JSON.stringify(auditPolicy) };
}

export function nodeFiles(options: NodeOptions, schedulerBindTimeoutSeconds: number): ConfigFiles {
  return {
    ...controlPlaneFiles(),
    'scheduler.json': JSON.stringify(schedulerConfiguration(options.stateDir, schedulerBindTimeoutSeconds)),
    'containerd.toml': containerdConfiguration(options.stateDir),
    'cni/10-pods.conflist': cniConfiguration(options.addresses),
    'kubelet.json': JSON.stringify(kubeletConfiguration(options)),
    'local-path.json': JSON.stringify(localPathConfiguration(options.stateDir)),
    'kube-proxy.json': JSON.stringify(kubeProxyConfiguration(options)),
    // No name server: a lookup fails at once instead of leaving the machine.
    'resolv.conf': '',
  };
}

export function writeConfigFiles(stateDir: string, files: ConfigFiles): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(stateDir, path)), { recursive: true });
    writeFileSync(join(stateDir, path), content);
  }
}

export function manifestFile(name: string): string {
  return join(sourceDir, 'manifests', name);
}

export interface FingerprintInput {
  readonly files: ConfigFiles;
  readonly components: readonly Component[];
}

export function fingerprintOf(input: FingerprintInput): string {
  const hash = createHash('sha256').update(JSON.stringify([input.files, input.components]));
  for (const file of readdirSync(join(sourceDir, 'manifests')).sort()) hash.update(readFileSync(manifestFile(file)));
  return hash.digest('hex').slice(0, 16);
}
