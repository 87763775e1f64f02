/** The marks that crash points leave: `<claim uid>-<point>`, in the directory that the controller was started with. */
import { readdirSync } from 'node:fs';

export interface Mark {
  readonly uid: string;
  readonly point: string;
}

export function marksIn(directory: string): Mark[] {
  return readdirSync(directory).flatMap((file) => {
    const match = /^([0-9a-f-]{36})-((?:before|after)-[A-Za-z]+)$/.exec(file);
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ uid: match[1], point: match[2] }];
  });
}
