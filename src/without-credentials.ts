/** The second net under messages that quote a URL: a first one knows the secrets, or shows no more than host and path. */

/** All before the last "@" of an authority: a password may hold "@" itself. */
const USERINFO = /(\/\/)[^/\s"'`]+@/g;

/** A query may be a signature (S3, SAS), a token or a key. */
const QUERY = /([A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s"'`<>?#]*)\?[^\s"'`<>#]+/g;

/** Users, passwords and queries of URLs become `***`; a second application changes nothing. */
export function withoutCredentials(text: string): string {
  return text.replace(USERINFO, '$1***@').replace(QUERY, '$1?***');
}
