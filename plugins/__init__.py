"""Built-in plugins. Each is what a third party could have written; the contract is docs/plugins/component.md."""
