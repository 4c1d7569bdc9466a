"""The local cloud's AWS: moto's EC2, SSM, STS and auto scaling on loopback, with machines behind instances and AMIs.

moto keeps the records; what AWS does and moto does not is mended by hooks, one module a subject (`all_hooks` lists
them). moto is global to its process, so there is one such cloud a process, and its memory ends with it: a new server
begins empty, after removing the machines and images that a former one of the same state folder left.
"""
