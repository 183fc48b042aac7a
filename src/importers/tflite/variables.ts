/** Variable tensors: the state of an operator that has one, and nothing else. */
import { type Graph, tensorOf } from '../../core/graph.js';
import { opNamed } from '../../ops/index.js';
import { badTensor } from './tensors.js';
import { refuseModel } from './unsupported.js';

/** @throws ThimbleError E_UNSUPPORTED_MODEL for state of another kind, E_MODEL_FORMAT for a state that is no variable */
export function checkVariables(graph: Graph): Graph {
  const states = graph.nodes.flatMap(({ op, inputs }) => {
    const { stateInput } = opNamed(op);
    return stateInput === undefined ? [] : [inputs[stateInput]!];
  });
  for (const name of states)
    if (!tensorOf(graph, name).isVariable) throw badTensor(name, 'holds the state of an operator, but is no variable');
  const read = graph.nodes.flatMap(({ inputs }) => inputs);
  const seen = [...read, ...graph.inputs, ...graph.outputs, ...graph.nodes.flatMap(({ outputs }) => outputs)];
  for (const { name, isVariable } of graph.tensors.values())
    if (isVariable && (!states.includes(name) || seen.filter((each) => each === name).length !== 1))
      throw refuseModel('variable', name);
  return graph;
}
