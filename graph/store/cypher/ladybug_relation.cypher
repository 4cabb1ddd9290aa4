CREATE REL TABLE <type>(<parts>)
