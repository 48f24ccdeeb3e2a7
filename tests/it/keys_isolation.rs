//! Nothing crosses from the namespaces of one key to those of another.
