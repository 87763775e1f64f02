/** Images of disks that are not the disk's content byte for byte: written onto a device as they are, they would be garbage on it. */

const MAGIC: readonly (readonly [format: string, magic: string])[] = [
  ['qcow2', 'QFI\xfb'],
  ['qed', 'QED\0'],
  ['vmdk', 'KDMV'],
  ['vmdk', '# Disk DescriptorFile'],
  ['vhd', 'conectix'],
  ['vhdx', 'vhdxfile'],
];
/** VirtualBox writes what it likes before this. */
const VDI_MAGIC = Buffer.from('7f10dabe', 'hex');
const VDI_MAGIC_AT = 64;

/** @param head the content's first block. @returns the format's name as `qemu-img` knows it; undefined for everything else. */
export function imageFormat(head: Buffer): string | undefined {
  const found = MAGIC.find(([, magic]) => head.toString('latin1', 0, magic.length) === magic)?.[0];
  const isVdi = head.subarray(VDI_MAGIC_AT, VDI_MAGIC_AT + VDI_MAGIC.length).equals(VDI_MAGIC);
  return found ?? (isVdi ? 'vdi' : undefined);
}
