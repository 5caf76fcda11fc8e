import { documented } from "./examples.ts";

documented({
  "array_concat()": [
    [
      "range x from 1 to 3 step 1 | extend y = x * 2 | extend z = y * 2 | extend a1 = pack_array(x,y,z), a2 = pack_array(x, y) | project array_concat(a1, a2)",
      "[[[1,2,4,1,2]],[[2,4,8,2,4]],[[3,6,12,3,6]]]",
    ],
  ],
  "array_iff()": [
    [
      "print condition=dynamic([true,false,true]), if_true=dynamic([1,2,3]), if_false=dynamic([4,5,6]) | project array_iff(condition, if_true, if_false)",
      "[[[1,5,3]]]",
    ],
    ['print condition=dynamic([1,0,50]) | project array_iff(condition, "yes", "no")', '[[["yes","no","yes"]]]'],
    [
      'print condition=dynamic(["some string value", datetime("01-01-2022"), null]) | project array_iff(condition, 1, 0)',
      "[[[null,null,null]]]",
    ],
    [
      "print condition=dynamic([true,true,true]), if_true=dynamic([1,2]), if_false=dynamic([3,4]) | project array_iff(condition, if_true, if_false)",
      "[[[1,2,null]]]",
    ],
  ],
  "array_index_of()": [
    [
      `let arr=dynamic(["this", "is", "an", "example", "an", "example"]);
print idx1 = array_index_of(arr,"an"), idx2 = array_index_of(arr,"example",1,3), idx3 = array_index_of(arr,"example",1,2), idx4 = array_index_of(arr,"is",2,4), idx5 = array_index_of(arr,"example",2,-1), idx6 = array_index_of(arr, "an", 1, -1, 2), idx7 = array_index_of(arr, "an", 1, -1, 3), idx8 = array_index_of(arr, "an", -3), idx9 = array_index_of(arr, "is", -4)`,
      "[[2,3,-1,-1,3,4,-1,4,-1]]",
    ],
  ],
  "array_length()": [
    [
      `print array_length(parse_json('[1, 2, 3, "four"]')), array_length(parse_json('[8]')), array_length(parse_json('[{}]')), array_length(parse_json('[]')), array_length(parse_json('{}')), array_length(parse_json('21'))`,
      "[[4,1,1,0,null,null]]",
    ],
  ],
  "array_reverse()": [
    [
      'print arr=dynamic(["this", "is", "an", "example"]) | project array_reverse(arr)',
      '[[["example","an","is","this"]]]',
    ],
  ],
  "array_rotate_left()": [
    [
      "print arr=dynamic([1,2,3,4,5]) | project array_rotate_left(arr, 2), array_rotate_left(arr, -2)",
      "[[[3,4,5,1,2],[4,5,1,2,3]]]",
    ],
  ],
  "array_rotate_right()": [
    [
      "print arr=dynamic([1,2,3,4,5]) | project array_rotate_right(arr, 2), array_rotate_right(arr, -2)",
      "[[[4,5,1,2,3],[3,4,5,1,2]]]",
    ],
  ],
  "array_shift_left()": [
    [
      "print arr=dynamic([1,2,3,4,5]) | project array_shift_left(arr, 2), array_shift_left(arr, 2, -1), array_shift_left(arr, -2, -1)",
      "[[[3,4,5,null,null],[3,4,5,-1,-1],[-1,-1,1,2,3]]]",
    ],
  ],
  "array_shift_right()": [
    [
      "print arr=dynamic([1,2,3,4,5]) | project array_shift_right(arr, 2), array_shift_right(arr, 2, -1), array_shift_right(arr, -2, -1)",
      "[[[null,null,1,2,3],[-1,-1,1,2,3],[3,4,5,-1,-1]]]",
    ],
  ],
  "array_slice()": [
    ["print arr=dynamic([1,2,3]) | project array_slice(arr, 1, 2)", "[[[2,3]]]"],
    ["print arr=dynamic([1,2,3,4,5]) | project array_slice(arr, 2, -1), array_slice(arr, -3, -2)", "[[[3,4,5],[3,4]]]"],
  ],
  "array_sort_asc()": [
    [
      'let array1 = dynamic([1,3,4,5,2]); let array2 = dynamic(["a","b","c","d","e"]); print array_sort_asc(array1,array2)',
      '[[[1,2,3,4,5],["a","e","b","c","d"]]]',
    ],
    [
      'let Names = "John,Paul,George,Ringo"; let SortedNames = strcat_array(array_sort_asc(split(Names, ",")), ","); print result = SortedNames',
      '[["George,John,Paul,Ringo"]]',
    ],
    [
      `datatable(command:string, command_time:datetime, user_id:string) ['chmod', datetime(2019-07-15), "user1", 'ls', datetime(2019-07-02), "user1", 'dir', datetime(2019-07-22), "user1", 'mkdir', datetime(2019-07-14), "user1", 'rm', datetime(2019-07-27), "user1", 'pwd', datetime(2019-07-25), "user1", 'rm', datetime(2019-07-23), "user2", 'pwd', datetime(2019-07-25), "user2"]
| summarize timestamps = make_list(command_time), commands = make_list(command) by user_id
| project user_id, commands_in_chronological_order = array_sort_asc(timestamps, commands)[1]`,
      '[["user1",["ls","mkdir","chmod","dir","pwd","rm"]],["user2",["rm","pwd"]]]',
    ],
    ['print array_sort_asc(dynamic([null,"blue","yellow","green",null]))', '[[["blue","green","yellow",null,null]]]'],
    [
      'print array_sort_asc(dynamic([null,"blue","yellow","green",null]), false)',
      '[[[null,null,"blue","green","yellow"]]]',
    ],
  ],
  "array_sort_desc()": [
    [
      'let array1 = dynamic([1,3,4,5,2]); let array2 = dynamic(["a","b","c","d","e"]); print array_sort_desc(array1,array2)',
      '[[[5,4,3,2,1],["d","c","b","e","a"]]]',
    ],
    ['print array_sort_desc(dynamic([null,"blue","yellow","green",null]))', '[[["yellow","green","blue",null,null]]]'],
    [
      'print array_sort_desc(dynamic([null,"blue","yellow","green",null]), false)',
      '[[[null,null,"yellow","green","blue"]]]',
    ],
  ],
  "array_split()": [
    [
      "print arr=dynamic([1,2,3,4,5]) | project array_split(arr, 2), array_split(arr, dynamic([1,3]))",
      "[[[[1,2],[3,4,5]],[[1],[2,3],[4,5]]]]",
    ],
  ],
  "array_sum()": [["print arr=dynamic([1,2,3,4]) | project arr_sum=array_sum(arr)", "[[10]]"]],
  "bag_has_key()": [
    [
      "datatable(input: dynamic) [dynamic({'key1' : 123, 'key2': 'abc'}), dynamic({'key1' : 123, 'key3': 'abc'})] | project result = bag_has_key(input, 'key2')",
      "[[true],[false]]",
    ],
    [
      "datatable(input: dynamic) [dynamic({'key1': 123, 'key2': {'prop1' : 'abc', 'prop2': 'xyz'}, 'key3': [100, 200]})] | project result = bag_has_key(input, '$.key2.prop1')",
      "[[true]]",
    ],
  ],
  "bag_keys()": [
    [
      `datatable(index:long, d:dynamic) [1, dynamic({'a':'b', 'c':123}), 2, dynamic({'a':'b', 'c':{'d':123}}), 3, dynamic({'a':'b', 'c':[{'d':123}]}), 4, dynamic(null), 5, dynamic({}), 6, dynamic('a'), 7, dynamic([])]
| project index, keys = bag_keys(d)`,
      '[[1,["a","c"]],[2,["a","c"]],[3,["a","c"]],[4,null],[5,[]],[6,null],[7,null]]',
    ],
  ],
  "bag_merge()": [
    [
      "print result = bag_merge(dynamic({'A1':12, 'B1':2, 'C1':3}), dynamic({'A2':81, 'B2':82, 'A1':1}))",
      '[[{"A1":12,"B1":2,"C1":3,"A2":81,"B2":82}]]',
    ],
  ],
  "bag_pack()": [
    [
      'print bag_pack("Level", "Information", "ProcessID", 1234, "Data", bag_pack("url", "www.bing.com"))',
      '[[{"Level":"Information","ProcessID":1234,"Data":{"url":"www.bing.com"}}]]',
    ],
    [
      `datatable(Source: int, Destination: int, Count: int) [1, 2, 3, 4, 5, 6] | project bag_pack("a", Source, "b", Count)`,
      '[[{"a":1,"b":3}],[{"a":4,"b":6}]]',
    ],
  ],
  "bag_pack_columns()": [
    [
      'datatable(Id: string, Value: string, Other: long) ["A", "val_a", 1, "B", "val_b", 2, "C", "val_c", 3] | project Packed = bag_pack_columns(Id, Value)',
      '[[{"Id":"A","Value":"val_a"}],[{"Id":"B","Value":"val_b"}],[{"Id":"C","Value":"val_c"}]]',
    ],
  ],
  "bag_remove_keys()": [
    [
      "datatable(input:dynamic) [dynamic({'key1' : 123, 'key2': 'abc'}), dynamic({'key1' : 'value', 'key3': 42.0})] | project result=bag_remove_keys(input, dynamic(['key2', 'key4']))",
      '[[{"key1":123}],[{"key1":"value","key3":42.0}]]',
    ],
    [
      "datatable(input:dynamic) [dynamic({'key1': 123, 'key2': {'prop1' : 'abc', 'prop2': 'xyz'}, 'key3': [100, 200]})] | project result=bag_remove_keys(input, dynamic(['$.key2.prop1', 'key3']))",
      '[[{"key1":123,"key2":{"prop2":"xyz"}}]]',
    ],
  ],
  "bag_set_key()": [
    [
      "datatable(input: dynamic) [dynamic({'key1': 1, 'key2': 2}), dynamic({'key1': 1, 'key3': 'abc'})] | project result = bag_set_key(input, 'key3', 3)",
      '[[{"key1":1,"key2":2,"key3":3}],[{"key1":1,"key3":3}]]',
    ],
    [
      "datatable(input: dynamic) [dynamic({'key1': 123, 'key2': {'prop1': 123, 'prop2': 'xyz'}}), dynamic({'key1': 123})] | project result = bag_set_key(input, '$.key2.prop1', 'abc')",
      '[[{"key1":123,"key2":{"prop1":"abc","prop2":"xyz"}}],[{"key1":123,"key2":{"prop1":"abc"}}]]',
    ],
  ],
  "bag_zip()": [
    ["print bag_zip(dynamic(['a', 'b', 'c']), dynamic([1, '2', 3.4]))", '[[{"a":1,"b":"2","c":3.4}]]'],
    ["print bag_zip(dynamic(['a', 'b', 'c']), dynamic([1, '2']))", '[[{"a":1,"b":"2","c":null}]]'],
    ["print bag_zip(dynamic(['a', 'b']), dynamic([1, '2', 2.5]))", '[[{"a":1,"b":"2"}]]'],
    ["print bag_zip(dynamic(['a', 8, 'b']), dynamic([1, '2', 2.5]))", '[[{"a":1,"b":2.5}]]'],
  ],
  "jaccard_index()": [
    ["print set1=dynamic([1,2,3]), set2=dynamic([1,2,3,4]) | project jaccard=jaccard_index(set1, set2)", "[[0.75]]"],
  ],
  "pack_all()": [
    [
      `datatable(SourceNumber:string,TargetNumber:string,CharsCount:long) ['555-555-1234','555-555-1212',46, '555-555-1313','',42, '','555-555-3456',74]
| extend Packed=pack_all(), PackedIgnoreNullEmpty=pack_all(true) | project Packed, PackedIgnoreNullEmpty`,
      '[[{"SourceNumber":"555-555-1234","TargetNumber":"555-555-1212","CharsCount":46},{"SourceNumber":"555-555-1234","TargetNumber":"555-555-1212","CharsCount":46}],[{"SourceNumber":"555-555-1313","TargetNumber":"","CharsCount":42},{"SourceNumber":"555-555-1313","CharsCount":42}],[{"SourceNumber":"","TargetNumber":"555-555-3456","CharsCount":74},{"TargetNumber":"555-555-3456","CharsCount":74}]]',
    ],
  ],
  "pack_array()": [
    [
      "range x from 1 to 3 step 1 | extend y = x * 2 | extend z = y * 2 | project pack_array(x, y, z)",
      "[[[1,2,4]],[[2,4,8]],[[3,6,12]]]",
    ],
    [
      "range x from 1 to 3 step 1 | extend y = tostring(x * 2) | extend z = (x * 2) * 1s | project pack_array(x, y, z)",
      '[[[1,"2","00:00:02"]],[[2,"4","00:00:04"]],[[3,"6","00:00:06"]]]',
    ],
  ],
  "parse_json()": [
    [
      `datatable(context_custom_metrics:string) ['{"duration":{"value":118.0,"count":5.0,"min":100.0,"max":150.0,"stdDev":0.0,"sampledValue":118.0,"sum":118.0}}']
| extend d = parse_json(context_custom_metrics) | extend duration_value = d.duration.value, duration_min = d["duration"]["min"] | project duration_value, duration_min`,
      "[[118.0,100.0]]",
    ],
    [
      `print d='{"a":123, "b":"{\\\\"c\\\\":456}"}' | extend d_json=parse_json(d) | project d_json.a, tolong(parse_json(tostring(d_json.b)).c)`,
      "[[123,456]]",
    ],
  ],
  "range()": [
    ["print r = range(1, 8, 3), range(1, 3)", "[[[1,4,7],[1,2,3]]]"],
    ["print array_length(range(datetime(2007-01-01), datetime(2007-01-31), 1d))", "[[31]]"],
  ],
  "repeat()": [["print r = repeat(1, 3), repeat('a', 2)", '[[[1,1,1],["a","a"]]]']],
  "set_difference()": [
    [
      "range x from 1 to 3 step 1 | extend y = x * 2 | extend z = y * 2 | extend w = z * 2 | extend a1 = pack_array(x,y,x,z), a2 = pack_array(x, y), a3 = pack_array(x,y,w) | project set_difference(a1, a2, a3)",
      "[[[4]],[[8]],[[12]]]",
    ],
    ["print arr = set_difference(dynamic([1,2,3]), dynamic([1,2,3]))", "[[[]]]"],
  ],
  "set_has_element()": [
    [
      'print arr=dynamic(["this", "is", "an", "example"]) | project set_has_element(arr, "example"), set_has_element(arr, "nope")',
      "[[true,false]]",
    ],
  ],
  "set_intersect()": [
    [
      "range x from 1 to 3 step 1 | extend y = x * 2 | extend z = y * 2 | extend w = z * 2 | extend a1 = pack_array(x,y,x,z), a2 = pack_array(x, y), a3 = pack_array(w,x) | project set_intersect(a1, a2, a3)",
      "[[[1]],[[2]],[[3]]]",
    ],
  ],
  "set_union()": [
    [
      "range x from 1 to 3 step 1 | extend y = x * 2 | extend z = y * 2 | extend w = z * 2 | extend a1 = pack_array(x,y,x,z), a2 = pack_array(x, y), a3 = pack_array(w) | project a1,a2,a3,Out=set_union(a1, a2, a3) | project Out",
      "[[[1,2,4,8]],[[2,4,8,16]],[[3,6,12,24]]]",
    ],
  ],
  "treepath()": [
    [`print treepath(parse_json('{"a":"b", "c":123}'))`, `[[["['a']","['c']"]]]`],
    [
      `print treepath(parse_json('{"prop1":[1,2,3,4], "prop2":"value2"}'))`,
      `[[["['prop1']","['prop1'][0]","['prop2']"]]]`,
    ],
    [
      `print treepath(parse_json('{"listProperty":[100,200,300,"abcde",{"x":"y"}]}'))`,
      `[[["['listProperty']","['listProperty'][0]","['listProperty'][0]['x']"]]]`,
    ],
  ],
  "zip()": [
    ["print zip(dynamic([1,3,5]), dynamic([2,4,6]))", "[[[[1,2],[3,4],[5,6]]]]"],
    ['print zip(dynamic(["A", 1, 1.5]), dynamic([{}, "B"]))', '[[[["A",{}],[1,"B"],[1.5,null]]]]'],
    [
      'datatable(a:int, b:string) [1,"one",2,"two",3,"three"] | summarize a = make_list(a), b = make_list(b) | project zip(a, b)',
      '[[[[1,"one"],[2,"two"],[3,"three"]]]]',
    ],
  ],
});
