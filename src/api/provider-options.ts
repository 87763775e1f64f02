/** How the content of a Provider is brought and written, whatever it is. */
import * as z from 'zod';
import { parseQuantity } from './quantity.ts';
import { ruled } from './rule.ts';

const quantity = (field: string, example: string, description: string) =>
  ruled(z.string().min(1).max(32), description, [
    {
      rule: "isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))",
      holds: (text) => (parseQuantity(text) ?? 0n) > 0n,
      message: `${field} must be a quantity above 0 such as "${example}"`,
    },
  ]);

export const limitsSchema = z
  .object({
    bytes: quantity(
      'limits.bytes',
      '10Gi',
      'Most bytes that may be written, holes counted. A claim that asks for less is refused. Default: what the volume holds.',
    ).optional(),
    files: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .optional()
      .meta({ description: 'Most files, links and directories. Default: 10,000,000.' }),
    ratio: z.int().min(1).max(1_000_000_000).optional().meta({
      description:
        'Most bytes that may come out of one byte of the source, over all, once 16 MiB have come out. Default: 1,000.',
    }),
    bandwidth: quantity(
      'limits.bandwidth',
      '50Mi',
      'Most bytes a second that are downloaded. Default: as fast as it goes.',
    ).optional(),
  })
  .meta({ description: 'What the source may cost at most; more is refused, and the volume thrown away.' });

const id = z.int().min(0).max(4_294_967_294);

export const ownershipSchema = ruled(
  z.object({
    uid: id
      .optional()
      .meta({ description: 'Owner of all files and directories. Default: the user of the populator pod.' }),
    gid: id
      .optional()
      .meta({ description: 'Group of all files and directories. Default: the group of the populator pod.' }),
    preserve: z
      .boolean()
      .optional()
      .meta({ description: 'Owner and group of each entry as the archive has them, by number.' }),
  }),
  'Whom the content belongs to. Anything but the default needs populator pods with the security profile privileged-data.',
  [
    {
      rule: '!has(self.preserve) || !self.preserve || !(has(self.uid) || has(self.gid))',
      holds: ({ preserve, uid, gid }) => preserve !== true || (uid === undefined && gid === undefined),
      message: 'ownership.preserve takes owners and groups from the archive: leave out uid and gid, or preserve',
    },
  ],
);

const permissions = (field: string, description: string) =>
  ruled(z.string().max(4), description, [
    {
      rule: "self.matches('^0?[0-7]{3}$')",
      holds: (text) => /^0?[0-7]{3}$/.test(text),
      message: `${field} must be permission bits in octal digits and quotes such as "0644"`,
    },
  ]);

export const modeSchema = z
  .object({
    files: permissions('mode.files', 'Of all files.').optional(),
    directories: permissions('mode.directories', 'Of all directories.').optional(),
  })
  .meta({ description: "Permission bits in place of the archive's." });

export const onExistingSchema = z.enum(['Clean', 'Fail', 'Merge']).meta({
  description:
    'Of content that the volume has already. In a cluster only volumes of classes that allow it may have some (volprime.dev/volumes-may-hold-content): Fail refuses to begin, Clean and Merge leave it and replace what has the same name. On the command line Clean removes it. Default: Clean.',
});
