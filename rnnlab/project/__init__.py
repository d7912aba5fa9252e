"""What all other packages build on: errors, files, parameters, paths, Git, and engines that run tasks."""
