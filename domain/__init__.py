"""What may be decided: facts, rules and state, without input, output, clock or chance."""
