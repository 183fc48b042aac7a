/**
 * A sketch for any Arduino core, and the model with the protocol as a library: as a folder for arduino-cli, as a .zip for
 * the Arduino IDE.
 */
import { zipSync } from 'fflate';
import type { BoardSpec } from '../../core/board-spec.js';
import type { EmittedFile } from '../../core/emitted-file.js';
import { modelBindingText } from '../model-binding.js';
import { arduinoImage } from './arduino-image.js';
import { otaDataFile } from './esp-parts.js';
import { below, fill, sharedSources, templateFiles, templateText } from './fill-template.js';
import type { ProjectParts, ProjectTemplate } from './project.js';
import { arduinoPlatform, commonValues, sketchText } from './sketch.js';

const libraryName = (modelName: string): string => `thimble_${modelName}`;

export const arduino: ProjectTemplate = {
  name: 'arduino',
  about: 'an Arduino sketch, with the model as a library',
  refusal: (board) => (board.facts?.arduino ? undefined : `no Arduino core is known for the ${board.name}`),
  render: (parts) => {
    const { board, modelName } = parts;
    const library = libraryName(modelName);
    const sketch = sketchOf(parts);
    const files = [
      ...templateFiles('arduino-library', { ...commonValues(parts), LIBRARY: library }),
      ...below('src', librarySources(parts)),
      { path: `examples/${modelName}/${modelName}.ino`, content: sketch },
    ];
    return [
      ...below(`libraries/${library}`, files),
      { path: `${library}.zip`, content: zipOf(below(library, files)) },
      ...otaDataFile(board),
      { path: `${modelName}/${modelName}.ino`, content: sketch, yours: true },
    ];
  },
  commands: ({ board, modelName }) => [
    [
      ...['arduino-cli', 'compile', '--fqbn', board.facts!.arduino!.fqbn],
      ...['--library', `libraries/${libraryName(modelName)}`, '--output-dir', 'build', modelName],
    ],
  ],
  before: coreLine,
  page: ({ modelName }) =>
    `In the Arduino IDE: Sketch, Include Library, Add .ZIP Library, ${libraryName(modelName)}.zip; then open ${modelName}/${modelName}.ino.`,
  image: (folder, board, modelName) => arduinoImage(folder, `${modelName}.ino`, board),
};

/** The core that the board's figures were read from; another one may be called alike and build something else. */
function coreLine({ facts }: BoardSpec): string {
  const { fqbn, index, coreVersion } = facts!.arduino!;
  const core = fqbn.split(':').slice(0, 2).join(':');
  return `arduino-cli core install ${core}${coreVersion === null ? '' : `@${coreVersion}`} --additional-urls ${index}`;
}

function sketchOf(parts: ProjectParts): string {
  const text = sketchText(parts, '.ino').replace(
    '#include "thimble_sketch.h"',
    '#include "thimble_arduino.h"\n#include "thimble_sketch.h"',
  );
  return text + fill(templateText('sketch/arduino_loop.in'), {}, 'arduino_loop.in');
}

function librarySources(parts: ProjectParts): readonly EmittedFile[] {
  const { board, modelName, modelFiles, graph, hooks, mlperfId } = parts;
  const { HOOK_DEFINE } = commonValues(parts);
  const binding = modelBindingText({ boardId: board.id, modelName, graph, hooks, mlperfId, sketch: true });
  // A library takes no definitions from a build: the layer hook stands in the header that all others include.
  const hook = HOOK_DEFINE && `#define ${HOOK_DEFINE.replace('=', ' ')}\n`;
  const withHook = modelFiles.map((file) =>
    file.path === `${modelName}.h` ? { ...file, content: hook + String(file.content) } : file,
  );
  return [...sharedSources(withHook, binding), ...arduinoPlatform(parts)];
}

/** The same bytes for the same files. */
function zipOf(files: readonly EmittedFile[]): Uint8Array {
  const encoder = new TextEncoder();
  const entries = files.map(({ path, content }) => [
    path,
    typeof content === 'string' ? encoder.encode(content) : content,
  ]);
  return zipSync(Object.fromEntries(entries) as Record<string, Uint8Array>, { mtime: new Date(1980, 0, 1) });
}
