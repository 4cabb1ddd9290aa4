COPY <label> FROM $rows
