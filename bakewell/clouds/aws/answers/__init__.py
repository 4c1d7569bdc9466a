"""The models of AWS's answers: the fields that this project reads, and no others.

A field without a default must be in the answer. EC2 and Auto Scaling send an empty list as an empty element
(`<imagesSet/>`), SSM as `[]`; botocore reads either as `[]`, and only an element that is not there as a missing key. So
an account that has no images answers with an empty list, and an answer without the list is not AWS's, or not whole.

Fields with a default are those that AWS leaves out where they are empty or not set: tags, overrides, a template's
image. Where two of them cannot both be missing, the model says so.
"""
