/**
 * The restic program: repositories, what is put into them and got out again.
 *
 * Called by the execution halves of the snapshot plugins. It must not know Kubernetes, nor what a capture is: snapshots are told apart by tags.
 * No secret leaves it: password and address go to the program by files, and what it says is redacted.
 */
export { type Credentials, readCredentials } from './credentials.ts';
export { Repository, type RepositorySnapshot, type Summary } from './repository.ts';
