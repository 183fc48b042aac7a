/** The one screen at the end of `deploy`: sizes, accuracies, memory and latency, each with where it comes from. */
import type { Context } from './context.js';
import { latencyText, memoryText, memoryTitle, originText, whereText } from './reading-text.js';
import { bytesText, countText, percentText, usageBar } from './table.js';
import type { DeployFigures } from './verbs/deploy.js';

export function deploySummary(figures: DeployFigures, folder: string, context: Context): string {
  const { board, source, model, compressed, built, verified, memory, origin, latency } = figures;
  const { bold, dim } = context.colors;
  const first = compressed?.stages[0];
  const last = compressed?.stages.at(-1);
  const lines = [bold(`${compressed ? `${source.path} → INT8` : model.path} on ${board.name}`)];
  const row = (title: string, text: string) => lines.push(`  ${dim(title.padEnd(20))} ${text}`);

  if (first && last) {
    row('parameters', `${countText(first.parameters)} → ${countText(last.parameters)}`);
    row('MACs', `${countText(first.macs)} → ${countText(last.macs)}`);
    row('model file', `${bytesText(first.fileBytes)} float .tflite → ${bytesText(last.fileBytes)} INT8 .tflite`);
  } else row('model file', bytesText(model.fileBytes));
  const [float, int8] = [first?.score?.accuracy, last?.score?.accuracy];
  if (float && int8) {
    row(
      'accuracy float',
      `${percentText(float.value, 2)} (n = ${float.n}, 95 % ${percentText(float.low)} … ${percentText(float.high)})`,
    );
    row(
      'accuracy INT8 host',
      `${percentText(int8.value, 2)} (n = ${int8.n}, 95 % ${percentText(int8.low)} … ${percentText(int8.high)})`,
    );
  }
  if (verified?.accuracy) {
    const { accuracy } = verified;
    row(
      'accuracy on device',
      `${percentText(accuracy.value, 2)} (n = ${accuracy.n}, 95 % ${percentText(accuracy.low)} … ${percentText(accuracy.high)})${whereText[origin]}`,
    );
  }
  if (verified)
    row('bit-exact', `${verified.bitExact} of ${verified.n} samples, every output byte equal to the host’s`);
  if (built.use) {
    row('flash', usageBar(built.use.flashBytes, built.use.flashLimitBytes));
    row('RAM', `${usageBar(built.use.ramBytes, built.use.ramLimitBytes)}, stack reserved`);
  }
  row(memoryTitle(memory, origin), memoryText(memory));
  if (latency) {
    const text = (value: number) => latencyText({ value, unit: latency.unit });
    row('latency', `${text(latency.median)} median of ${latency.n}, ${text(latency.min)} … ${text(latency.max)}`);
    row('', dim(originText[origin]));
  }
  row('files', `${folder}/  ${compressed ? 'model.tflite, report.json, ' : ''}c-model/, tflm/, firmware/`);
  return lines.join('\n');
}
