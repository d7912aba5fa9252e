"""The ground: errors, files, parameters, paths, Git, and engines that run tasks."""
