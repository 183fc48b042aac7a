/** Which template of firmware-templates a board's firmware is made from. */
import type { BoardSpec } from '../core/board-spec.js';
import { ThimbleError } from '../core/errors.js';
import { refuse } from './build-project.js';
import { bareMetalChip, type Chip, chipNames } from './chips/index.js';
import { projectTemplateNamed, projectTemplates } from './projects/index.js';

/** Whether a build for the board can work today, its compiler installed. */
export const isBuildable = (board: BoardSpec): boolean =>
  board.template === 'host' ||
  bareMetalChip(board) !== undefined ||
  (projectTemplateNamed(board.template) !== undefined &&
    projectTemplateNamed(board.template)?.refusal(board) === undefined);

/** The templates that can be asked for with --template, the board's own first. */
export const templatesOf = (board: BoardSpec): readonly string[] => [
  ...new Set([
    ...(board.template === undefined ? [] : [board.template]),
    ...projectTemplates.filter(({ refusal }) => refusal(board) === undefined).map(({ name }) => name),
  ]),
];

/**
 * The board with the template that was asked for.
 * @throws ThimbleError E_USAGE where there is none of that name for it
 */
export function withTemplate(board: BoardSpec, name: string | undefined): BoardSpec {
  if (name === undefined || name === board.template) return board;
  const names = templatesOf(board);
  if (names.includes(name)) return { ...board, template: name };
  const asked = projectTemplateNamed(name);
  if (asked) refuse(asked, board);
  throw new ThimbleError(
    'E_USAGE',
    `there is no template "${name}" for the ${board.name}`,
    names.length > 0
      ? `Choose one of: ${names.join(', ')}`
      : `thimble emit MODEL --board ${board.id} writes the model alone.`,
  );
}

/**
 * Before anything long is begun for a board that nothing builds for.
 * @throws ThimbleError E_USAGE
 */
export function refuseWithoutTemplate({ id, name, template }: BoardSpec): void {
  if (template !== undefined) return;
  throw new ThimbleError('E_USAGE', `Thimble does not build a whole program for the ${name} yet`, [
    `The model itself it does: thimble emit MODEL --board ${id} writes C99 to add to a project of your own.`,
    'thimble boards says which boards are built for.',
  ]);
}

/**
 * @throws ThimbleError E_BOARD_FILE for a chip that the template does not know, E_USAGE without a template
 */
export function chipOf(board: BoardSpec): Chip {
  refuseWithoutTemplate(board);
  const chip = bareMetalChip(board);
  if (chip) return chip;
  const { id, mcu, template } = board;
  throw new ThimbleError(
    'E_BOARD_FILE',
    `no bare-metal start-up code for "${mcu}" in the template "${template}"; there is some for ${chipNames.join(', ')}`,
    'Choose another template in the board file, or emit the C model (thimble emit) into a project of your own.',
    { where: `in board "${id}" at $.mcu` },
  );
}
