/** Why a port that is there may not be opened, on Linux: the group it belongs to, and who is in it. */
import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';

export interface AccessFacts {
  readonly groupName: string | undefined; // that owns the port; undefined where it has no name
  readonly groupMay: boolean; // whether the group may read and write
  readonly listed: boolean; // whether /etc/group has the user in it
  readonly active: boolean; // whether this login knows
}

const GROUP_READ_WRITE = 0o060;

/** @param etcGroup for tests */
export function accessFacts(path: string, etcGroup = '/etc/group', user = userName()): AccessFacts | undefined {
  try {
    const { gid, mode } = statSync(path);
    const entry = readFileSync(etcGroup, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find((fields) => fields[2] === `${gid}`);
    return {
      groupName: entry?.[0],
      groupMay: (mode & GROUP_READ_WRITE) === GROUP_READ_WRITE,
      listed: (entry?.[3] ?? '').split(',').includes(user),
      active: [process.getegid?.(), ...(process.getgroups?.() ?? [])].includes(gid),
    };
  } catch {
    return undefined; // no Linux, or the port has just gone
  }
}

/** What is wrong and what mends it, the likeliest first. */
export function accessAdvice(
  path: string,
  facts: AccessFacts | undefined,
): { readonly why: string; readonly hints: readonly string[] } {
  const doctor = 'thimble doctor checks this, and the udev rules of your board.';
  if (!facts)
    return { why: '', hints: ['On Linux: sudo usermod -aG dialout $USER, then log out and in again.', doctor] };
  const { groupName, groupMay, listed, active } = facts;
  if (groupName === undefined || groupName === 'root' || !groupMay)
    return {
      why: `: it belongs to ${groupName ?? 'a group without a name'}, and no rule gives it to people`,
      hints: [
        `printf 'SUBSYSTEM=="tty", SUBSYSTEMS=="usb", MODE="0660", GROUP="dialout", TAG+="uaccess"\\n' | sudo tee /etc/udev/rules.d/60-thimble-tty.rules`,
        'sudo udevadm control --reload, then plug the board in again.',
        `Until then, for this once: sudo chmod a+rw ${path}`,
      ],
    };
  if (listed && !active)
    return {
      why: `: you are in the group ${groupName}, but this login is older than that`,
      hints: ['Log out and in again (a new terminal is not enough).', `For this terminal alone: newgrp ${groupName}`],
    };
  if (active) return { why: '', hints: [`ls -l ${path} shows who may open it.`, doctor] };
  return {
    why: `: it belongs to the group ${groupName}, and you are not in it`,
    hints: [`sudo usermod -aG ${groupName} $USER, then log out and in again.`, doctor],
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return ''; // a user without an entry, as in some containers
  }
}
